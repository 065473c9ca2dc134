package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import java.time.Duration;

/// How long things take.
///
/// @param step one sampler step
/// @param modelLoad the first use of a checkpoint or diffusion model
/// @param history from the success message to the history entry
/// @param sampling a whole sampling node, whatever its steps; null lets steps decide
record Timing(Duration step, Duration modelLoad, Duration history, @Nullable Duration sampling) {

    Duration stepOf(int steps) {
        return sampling == null ? step : sampling.dividedBy(Math.max(1, steps));
    }
}
