/// The whole platform in one process, for a first run and for development.
@NullMarked
package dev.comfyapi.standalone;

import org.jspecify.annotations.NullMarked;
