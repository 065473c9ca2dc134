/// How the queue and the fleet stand, told to clients and operators: why a job waits, when it is
/// expected to start, how many workers a pool should have.
@NullMarked
package dev.comfyapi.api.queue;

import org.jspecify.annotations.NullMarked;
