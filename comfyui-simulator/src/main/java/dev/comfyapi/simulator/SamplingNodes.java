package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/// Latents and what happens to them: sampling takes its time and notes what was asked, decoding
/// paints it.
final class SamplingNodes {

    private static final Set<String> SAMPLERS =
            Set.of("KSampler", "KSamplerAdvanced", "SamplerCustom", "SamplerCustomAdvanced");

    private final Painter painter;

    SamplingNodes(Painter painter) {
        this.painter = painter;
    }

    static boolean samples(NodeClass nodeClass) {
        return SAMPLERS.contains(nodeClass.name());
    }

    Map<String, NodeWork> works() {
        var works = new HashMap<String, NodeWork>();
        works.put("EmptyLatentImage", call -> empty(call, 8));
        works.put("EmptySD3LatentImage", call -> empty(call, 16));
        works.put("EmptyFlux2LatentImage", call -> empty(call, 16));
        works.put("LatentUpscale", SamplingNodes::upscale);
        works.put("LatentUpscaleBy", SamplingNodes::upscaleBy);
        works.put("RepeatLatentBatch", SamplingNodes::repeat);
        works.put(
                "SetLatentNoiseMask",
                call -> List.of(masked(call.latent("samples"), call.mask("mask"))));
        works.put("VAEEncode", call -> List.of(encoded(call.pictures("pixels"))));
        works.put("VAEEncodeTiled", call -> List.of(encoded(call.pictures("pixels"))));
        works.put(
                "VAEEncodeForInpaint",
                call -> List.of(masked(encoded(call.pictures("pixels")), call.mask("mask"))));
        works.put("InpaintModelConditioning", SamplingNodes::inpaintConditioning);
        works.put("RandomNoise", call -> List.of(new Value.Noise(call.whole("noise_seed"))));
        works.put("DisableNoise", _ -> List.of(new Value.Noise(BigInteger.ZERO)));
        works.put("KSamplerSelect", call -> List.of(new Value.Sampler(call.text("sampler_name"))));
        works.put("BasicScheduler", call -> sigmas(call, call.text("scheduler")));
        works.put("AlignYourStepsScheduler", call -> sigmas(call, "align_your_steps"));
        works.put("KarrasScheduler", call -> sigmas(call, "karras"));
        works.put("BasicGuider", SamplingNodes::basicGuider);
        works.put("CFGGuider", SamplingNodes::cfgGuider);
        works.put("KSampler", this::sample);
        works.put("KSamplerAdvanced", this::sampleAdvanced);
        works.put("SamplerCustom", this::sampleCustom);
        works.put("SamplerCustomAdvanced", this::sampleCustomAdvanced);
        works.put("VAEDecode", this::decode);
        works.put("VAEDecodeTiled", this::decode);
        return works;
    }

    /// Sizes are floored to what the model's grid allows.
    private static List<Value> empty(NodeCall call, int grid) throws NodeFailure {
        return List.of(
                Value.Latent.empty(
                        floored(call.count("width"), grid),
                        floored(call.count("height"), grid),
                        call.count("batch_size")));
    }

    private static int floored(int size, int grid) {
        return Math.max(grid, size / grid * grid);
    }

    private static Value.Latent resized(Value.Latent latent, int width, int height, int batch) {
        return new Value.Latent(
                width,
                height,
                batch,
                latent.under(),
                latent.share(),
                latent.mask(),
                latent.asked());
    }

    private static List<Value> upscale(NodeCall call) throws NodeFailure {
        var latent = call.latent("samples");
        var width = call.count("width");
        var height = call.count("height");
        if (width == 0 && height == 0) {
            return List.of(latent);
        }
        var toWidth =
                width > 0 ? width : Math.round((float) latent.width() * height / latent.height());
        var toHeight =
                height > 0 ? height : Math.round((float) latent.height() * width / latent.width());
        return List.of(resized(latent, floored(toWidth, 8), floored(toHeight, 8), latent.batch()));
    }

    private static List<Value> upscaleBy(NodeCall call) throws NodeFailure {
        var latent = call.latent("samples");
        var factor = call.real("scale_by");
        return List.of(
                resized(
                        latent,
                        Math.max(8, (int) Math.round(latent.width() * factor / 8) * 8),
                        Math.max(8, (int) Math.round(latent.height() * factor / 8) * 8),
                        latent.batch()));
    }

    private static List<Value> repeat(NodeCall call) throws NodeFailure {
        var latent = call.latent("samples");
        return List.of(
                resized(
                        latent,
                        latent.width(),
                        latent.height(),
                        latent.batch() * call.count("amount")));
    }

    private static Value.Latent masked(Value.Latent latent, Mask mask) {
        return new Value.Latent(
                latent.width(),
                latent.height(),
                latent.batch(),
                latent.under(),
                latent.share(),
                mask,
                latent.asked());
    }

    private static Value.Latent encoded(Value.Pictures pixels) {
        var first = pixels.all().getFirst();
        return new Value.Latent(
                floored(first.width(), 8),
                floored(first.height(), 8),
                pixels.all().size(),
                pixels,
                1,
                null,
                null);
    }

    private static List<Value> inpaintConditioning(NodeCall call) throws NodeFailure {
        var latent = encoded(call.pictures("pixels"));
        return List.of(
                call.conditioning("positive"),
                call.conditioning("negative"),
                call.truth("noise_mask") ? masked(latent, call.mask("mask")) : latent);
    }

    private static List<Value> sigmas(NodeCall call, String scheduler) throws NodeFailure {
        return List.of(
                new Value.Sigmas(
                        scheduler, call.count("steps"), (float) call.realOr("denoise", 1)));
    }

    private static List<Value> basicGuider(NodeCall call) throws NodeFailure {
        return List.of(
                new Value.Guider(call.model("model"), call.conditioning("conditioning"), null, 1));
    }

    private static List<Value> cfgGuider(NodeCall call) throws NodeFailure {
        return List.of(
                new Value.Guider(
                        call.model("model"),
                        call.conditioning("positive"),
                        call.conditioning("negative"),
                        call.real("cfg")));
    }

    /// One piece of sampling work, whatever node asks for it.
    private record Job(
            Value.Guider guider,
            BigInteger seed,
            int steps,
            String sampler,
            String scheduler,
            float denoise) {

        Asked asked() {
            var details = new ArrayList<>(guider.model().changes());
            details.addAll(guider.positive().controls());
            details.add(sampler);
            details.add(scheduler);
            var negative = guider.negative();
            return new Asked(
                    guider.positive().text(),
                    negative == null ? "" : negative.text(),
                    seed,
                    steps,
                    guider.cfg(),
                    guider.model().name(),
                    details);
        }
    }

    private static Value.Guider guider(NodeCall call) throws NodeFailure {
        return new Value.Guider(
                call.model("model"),
                call.conditioning("positive"),
                call.conditioning("negative"),
                call.real("cfg"));
    }

    private List<Value> sample(NodeCall call)
            throws NodeFailure, Interruption.Interrupted, ServerProcess.Gone {
        var job =
                new Job(
                        guider(call),
                        call.whole("seed"),
                        call.count("steps"),
                        call.text("sampler_name"),
                        call.text("scheduler"),
                        (float) call.real("denoise"));
        return List.of(sample(call, job, job.steps()));
    }

    private List<Value> sampleAdvanced(NodeCall call)
            throws NodeFailure, Interruption.Interrupted, ServerProcess.Gone {
        var steps = call.count("steps");
        var job =
                new Job(
                        guider(call),
                        call.whole("noise_seed"),
                        steps,
                        call.text("sampler_name"),
                        call.text("scheduler"),
                        call.text("add_noise").equals("disable") ? 0.5f : 1);
        var todo = Math.min(steps, call.count("end_at_step")) - call.count("start_at_step");
        return List.of(sample(call, job, Math.max(0, todo)));
    }

    private List<Value> sampleCustom(NodeCall call)
            throws NodeFailure, Interruption.Interrupted, ServerProcess.Gone {
        var sigmas = call.get("sigmas", Value.Sigmas.class);
        var job = custom(call, guider(call), call.whole("noise_seed"), sigmas);
        var latent = sample(call, job, sigmas.steps());
        return List.of(latent, latent);
    }

    private List<Value> sampleCustomAdvanced(NodeCall call)
            throws NodeFailure, Interruption.Interrupted, ServerProcess.Gone {
        var sigmas = call.get("sigmas", Value.Sigmas.class);
        var seed = call.get("noise", Value.Noise.class).seed();
        var job = custom(call, call.get("guider", Value.Guider.class), seed, sigmas);
        var latent = sample(call, job, sigmas.steps());
        return List.of(latent, latent);
    }

    private static Job custom(
            NodeCall call, Value.Guider guider, BigInteger seed, Value.Sigmas sigmas)
            throws NodeFailure {
        var sampler = call.get("sampler", Value.Sampler.class);
        return new Job(
                guider, seed, sigmas.steps(), sampler.name(), sigmas.scheduler(), sigmas.denoise());
    }

    private Value.Latent sample(NodeCall call, Job job, int todo)
            throws NodeFailure, Interruption.Interrupted, ServerProcess.Gone {
        var given = call.latent("latent_image");
        var result = sampled(given, job);
        var pause = call.settings().timing().stepOf(todo);
        var previews = call.run().wantsPreviews();
        for (var step = 1; step <= todo; step++) {
            call.process().pause(pause);
            call.step(step, todo, previews ? glimpse(result, step, todo) : null);
        }
        return result;
    }

    private @Nullable Supplier<Picture> glimpse(Value.Latent latent, int step, int steps) {
        return () -> painter.glimpse(latent, step, steps);
    }

    /// A second pass over a painting refines it: it stays the first pass's picture, only larger or
    /// finer.
    private static Value.Latent sampled(Value.Latent given, Job job) {
        if (job.denoise() == 0) {
            return given;
        }
        var before = given.asked();
        var asked = before != null && job.denoise() < 1 ? before : job.asked();
        return new Value.Latent(
                given.width(),
                given.height(),
                given.batch(),
                given.under(),
                before == null ? job.denoise() : given.share(),
                given.mask(),
                asked);
    }

    private List<Value> decode(NodeCall call) throws NodeFailure {
        return List.of(new Value.Pictures(painter.develop(call.latent("samples"))));
    }
}
