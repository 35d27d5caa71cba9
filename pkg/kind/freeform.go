package kind

// freeForm are the members whose values are maps with names of the caller's
// choice, so that names which differ only by case are not a trick there.
var freeForm = map[string]bool{
	"Environment":           true,
	"HyperParameters":       true,
	"StaticHyperParameters": true,
}

// FreeForm returns the names (as the API writes them) of the members whose
// values are maps with names of the caller's choice. A test holds the list to
// the SDK's model. The caller must not change it.
func FreeForm() map[string]bool { return freeForm }
