/// The service from a terminal: submit, watch, cancel and download, with progress bars for people
/// and JSON for programs.
@NullMarked
package dev.comfyapi.cli;

import org.jspecify.annotations.NullMarked;
