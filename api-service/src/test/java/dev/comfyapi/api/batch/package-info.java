/// Batches, from the submit to the end that is told once.
@NullMarked
package dev.comfyapi.api.batch;

import org.jspecify.annotations.NullMarked;
