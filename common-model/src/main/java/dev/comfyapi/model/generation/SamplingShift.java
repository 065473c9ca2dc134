package dev.comfyapi.model.generation;

import java.math.BigDecimal;

/// Step 3: where newer families spend their steps, as their makers publish it.
final class SamplingShift {

    private static final BigDecimal SD3_SHIFT = new BigDecimal("3.0");
    private static final BigDecimal FLUX_MOST = new BigDecimal("1.15");
    private static final BigDecimal FLUX_LEAST = new BigDecimal("0.5");

    private SamplingShift() {}

    static LoadedModel apply(
            GraphBuilder graph, LoadedModel loaded, ModelFamily family, Canvas canvas) {
        return switch (family) {
            case SD15, SDXL, FLUX_SCHNELL -> loaded;
            case SD3 ->
                    loaded.with(
                            graph.add("shift", "ModelSamplingSD3")
                                    .with("model", loaded.model())
                                    .with("shift", SD3_SHIFT)
                                    .output(),
                            loaded.clip());
            case FLUX ->
                    loaded.with(
                            graph.add("shift", "ModelSamplingFlux")
                                    .with("model", loaded.model())
                                    .with("max_shift", FLUX_MOST)
                                    .with("base_shift", FLUX_LEAST)
                                    .with("width", canvas.painted().width())
                                    .with("height", canvas.painted().height())
                                    .output(),
                            loaded.clip());
        };
    }
}
