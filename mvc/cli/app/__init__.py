"""The program around the verbs: options, invocation, output, progress, exit codes."""
