/// Where output files are kept, and the signed links to them.
@NullMarked
package dev.comfyapi.artifact;

import org.jspecify.annotations.NullMarked;
