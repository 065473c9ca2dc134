/// Signed links to output files, and the files behind them.
@NullMarked
package dev.comfyapi.api.artifact;

import org.jspecify.annotations.NullMarked;
