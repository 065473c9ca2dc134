/// For operators: jobs that failed through no fault of their clients, and running them again.
@NullMarked
package dev.comfyapi.api.deadletter;

import org.jspecify.annotations.NullMarked;
