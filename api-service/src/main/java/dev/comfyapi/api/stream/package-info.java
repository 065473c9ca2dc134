/// What workers and other instances say about jobs, as it happens.
@NullMarked
package dev.comfyapi.api.stream;

import org.jspecify.annotations.NullMarked;
