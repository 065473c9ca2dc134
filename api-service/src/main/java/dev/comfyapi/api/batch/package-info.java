/// Batches: jobs that came together, seen together, and what the leader does for them until the
/// last one has ended.
@NullMarked
package dev.comfyapi.api.batch;

import org.jspecify.annotations.NullMarked;
