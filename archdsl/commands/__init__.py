"""What each command does with what the driver gives it: one module per command, ``run(arguments) -> exit code``."""
