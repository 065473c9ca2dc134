/// What is told of the queue.
@NullMarked
package dev.comfyapi.api.queue;

import org.jspecify.annotations.NullMarked;
