import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import software.amazon.event.ruler.JsonRuleCompiler;
import software.amazon.event.ruler.Machine;

/**
 * Answers, line by line: reads {"pattern": "...", "event": "..."}, writes true, false or why the
 * pattern is refused.
 */
public final class Oracle {
    public static void main(String[] args) throws Exception {
        ObjectMapper json = new ObjectMapper();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            JsonNode pair = json.readTree(line);
            out.println(answer(pair.get("pattern").asText(), pair.get("event").asText()));
        }
        out.flush();
    }

    private static String answer(String pattern, String event) {
        // addRule would try an older compiler where this one refuses.
        String refusal = JsonRuleCompiler.check(pattern);
        if (refusal != null) {
            return "refused: " + refusal.lines().findFirst().orElse("");
        }
        try {
            Machine machine = new Machine();
            machine.addRule("rule", pattern);
            return String.valueOf(!machine.rulesForJSONEvent(event).isEmpty());
        } catch (Exception e) {
            return "failed: " + String.valueOf(e.getMessage()).lines().findFirst().orElse("");
        }
    }
}
