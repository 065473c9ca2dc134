package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.Map;

/// How long things take.
///
/// @param step one sampler step
/// @param modelLoad the first use of a checkpoint or diffusion model
/// @param history from the success message to the history entry
/// @param modelLoads the first use of the models named; the others take `modelLoad`
/// @param modelsInMemory how many models fit; one more displaces the one unused for longest
/// @param sampling a whole sampling node, whatever its steps; null lets steps decide
record Timing(
        Duration step,
        Duration modelLoad,
        Map<String, Duration> modelLoads,
        int modelsInMemory,
        Duration history,
        @Nullable Duration sampling) {

    Timing {
        modelLoads = Map.copyOf(modelLoads);
    }

    Duration stepOf(int steps) {
        return sampling == null ? step : sampling.dividedBy(Math.max(1, steps));
    }
}
