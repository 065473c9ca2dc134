/// The same jobs through this project's queue and through others, each with the settings its own
/// documentation gives for throughput on Postgres.
@NullMarked
package dev.comfyapi.benchmarks.queues;

import org.jspecify.annotations.NullMarked;
