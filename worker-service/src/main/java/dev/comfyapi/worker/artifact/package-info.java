/// From an output file of ComfyUI to a checked file in the store.
@NullMarked
package dev.comfyapi.worker.artifact;

import org.jspecify.annotations.NullMarked;
