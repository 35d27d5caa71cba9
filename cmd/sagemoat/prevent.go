package main

import "github.com/spf13/cobra"

// preventCommand is the parent of what is about policies.
func preventCommand(p process, status *int) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "prevent",
		Short: "Write IAM policies and SCPs from the rules file, try them, lint others",
		Long: `prevent writes the policies that deny what the rules file fails, says what no
policy can stop, tries policies by evaluation, and lints those that are there.`,
	}
	cmd.AddCommand(
		preventWriteCommand(p, "scp", "Write service control policies from the rules file"),
		preventWriteCommand(p, "iam", "Write managed policies from the rules file"),
		preventWriteCommand(p, "boundary", "Write a permissions boundary from the rules file"),
		preventGapCommand(p),
		preventTestCommand(p, status),
		preventLintCommand(p, status),
	)
	return cmd
}
