package dev.comfyapi.cli;

import java.io.PrintStream;

/// Where this program speaks: results to one stream, so that they can be piped, and everything else
/// to the other.
///
/// @param isInteractive whether a person sees it: bars instead of lines
record Terminal(PrintStream out, PrintStream err, boolean isInteractive) {

    /// Null without a terminal: the console of JDK 25 is the one of `java.base` again.
    @SuppressWarnings("SystemConsoleNull")
    static Terminal ofProcess() {
        var console = System.console();
        return new Terminal(System.out, System.err, console != null && console.isTerminal());
    }
}
