/// The door to the dispatcher for benchmarks.
@NullMarked
package dev.comfyapi.api.dispatch;

import org.jspecify.annotations.NullMarked;
