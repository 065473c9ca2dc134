/// A ComfyUI graph as a checked value: parse, walk, patch, and what it needs of a worker.
@NullMarked
package dev.comfyapi.model.workflow;

import org.jspecify.annotations.NullMarked;
