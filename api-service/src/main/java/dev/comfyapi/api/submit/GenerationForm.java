package dev.comfyapi.api.submit;

import dev.comfyapi.api.catalogue.PoolCatalogue;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.model.generation.GenerationRequest;
import dev.comfyapi.model.generation.GenerationRequest.Lora;
import dev.comfyapi.model.generation.ModelFamily;
import dev.comfyapi.model.generation.SamplerNames;
import dev.comfyapi.model.generation.Seed;

import org.springframework.stereotype.Component;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.random.RandomGenerator;
import java.util.regex.Pattern;

/// Reads what a request says of the pictures it wants: checks every member, fills in what suits the
/// model, draws the seed.
@Component
final class GenerationForm {

    private static final BigDecimal LEAST_STRENGTH = new BigDecimal("-100");
    private static final BigDecimal MOST_STRENGTH = new BigDecimal("100");
    private static final BigInteger DRAW = BigInteger.ONE.negate();
    private static final String LARGEST_SEED = "18446744073709551615";
    private static final Pattern WHOLE_NUMBER = Pattern.compile("-?[0-9]{1,1000}");

    private final ModelForm models;
    private final ImageForm images;
    private final UpscaleForm upscales;
    private final RandomGenerator random = new SecureRandom();

    GenerationForm(ModelForm models, ImageForm images, UpscaleForm upscales) {
        this.models = models;
        this.images = images;
        this.upscales = upscales;
    }

    /// The request; look at the problems before using it.
    ///
    /// @param asker whose files it may name
    /// @param fleet what the workers of its pool have
    Optional<GenerationRequest> read(Asker asker, PoolCatalogue fleet, Members members) {
        members.require("prompt");
        var prompt = prompt(members);
        var negative = members.text("negative_prompt", 0, GenerationRequest.MAX_NEGATIVE_PROMPT);
        var model = models.read(fleet, members);
        var suits = model.map(ModelForm.Choice::family).orElse(ModelFamily.SD15).defaults();
        int width = size(members, "width", suits.size());
        int height = size(members, "height", suits.size());
        var steps = members.integer("steps", 1, GenerationRequest.MAX_STEPS);
        var cfg =
                members.decimal(
                        "cfg_scale",
                        GenerationRequest.MIN_CFG_SCALE,
                        GenerationRequest.MAX_CFG_SCALE);
        var sampler = sampler(fleet, members, suits.sampler());
        var scheduler = scheduler(fleet, members);
        var seed = seed(members);
        int batch = batchSize(members);
        var loras = loras(fleet, members);
        var start = images.start(asker, members);
        var controlNets = images.controlNets(asker, fleet, members);
        var upscale = upscales.read(fleet, members, width, height);
        if (prompt.isEmpty() || model.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(
                new GenerationRequest(
                        prompt.get(),
                        negative.orElse(""),
                        width,
                        height,
                        steps.orElse(suits.steps()),
                        cfg.orElse(suits.cfgScale()),
                        sampler.sampler(),
                        scheduler.orElseGet(() -> impliedScheduler(sampler, suits)),
                        seed,
                        model.get().family(),
                        model.get().files(),
                        batch,
                        loras,
                        start.orElse(null),
                        controlNets,
                        upscale.orElse(null)));
    }

    /// Whoever has talked to ComfyUI itself sends a graph under this name.
    private static Optional<String> prompt(Members members) {
        var given = members.raw("prompt");
        if (given == null || !given.isObject()) {
            return members.trimmedText("prompt", 1, GenerationRequest.MAX_PROMPT);
        }
        members.problems()
                .add(
                        members.pointer("prompt"),
                        "invalid_type",
                        "must be a string; a ComfyUI graph is sent to /api/v1/jobs as workflow",
                        Map.of("expected", "a string", "actual", "object"));
        return Optional.empty();
    }

    private static int size(Members members, String name, int usual) {
        int size =
                members.integer(name, GenerationRequest.MIN_SIZE, GenerationRequest.MAX_SIZE)
                        .orElse(usual);
        if (size % GenerationRequest.SIZE_STEP != 0) {
            members.problems()
                    .add(
                            members.pointer(name),
                            "not_a_multiple",
                            "must be divisible by " + GenerationRequest.SIZE_STEP,
                            Map.of("multiple_of", GenerationRequest.SIZE_STEP, "actual", size));
        }
        return size;
    }

    private static SamplerNames.Choice sampler(
            PoolCatalogue fleet, Members members, String suiting) {
        var usual = new SamplerNames.Choice(suiting, null);
        var name = members.text("sampler", 1, FleetNames.LONGEST);
        if (name.isEmpty()) {
            return usual;
        }
        return SamplerNames.sampler(name.get(), fleet.samplers())
                .orElseGet(() -> {
                    FleetNames.refuseUnknown(
                            members,
                            "sampler",
                            name.get(),
                            union(SamplerNames.SAMPLERS, fleet.samplers()));
                    return usual;
                });
    }

    private static Optional<String> scheduler(PoolCatalogue fleet, Members members) {
        var name = members.text("scheduler", 1, FleetNames.LONGEST);
        if (name.isEmpty()) {
            return Optional.empty();
        }
        var scheduler = SamplerNames.scheduler(name.get(), fleet.schedulers());
        if (scheduler.isEmpty()) {
            FleetNames.refuseUnknown(
                    members,
                    "scheduler",
                    name.get(),
                    union(SamplerNames.SCHEDULERS, fleet.schedulers()));
        }
        return scheduler;
    }

    private static String impliedScheduler(
            SamplerNames.Choice sampler, ModelFamily.Defaults suits) {
        return sampler.scheduler() == null ? suits.scheduler() : sampler.scheduler();
    }

    private static Set<String> union(Set<String> known, Set<String> reported) {
        var all = new TreeSet<>(known);
        all.addAll(reported);
        return all;
    }

    private Seed seed(Members members) {
        var value = members.raw("seed");
        if (value == null) {
            return Seed.draw(random);
        }
        BigInteger number;
        if (value.isIntegralNumber()) {
            number = value.bigIntegerValue();
        } else if (value.isString() && WHOLE_NUMBER.matcher(value.stringValue()).matches()) {
            number = new BigInteger(value.stringValue());
        } else {
            members.problems()
                    .add(
                            members.pointer("seed"),
                            value.isString() ? "invalid_value" : "invalid_type",
                            "must be a whole number, or one as a string");
            return Seed.draw(random);
        }
        if (number.equals(DRAW)) {
            return Seed.draw(random);
        }
        return Seed.of(number)
                .orElseGet(() -> {
                    members.problems()
                            .add(
                                    members.pointer("seed"),
                                    "out_of_range",
                                    "must be 0 to %s, or -1 to draw one".formatted(LARGEST_SEED),
                                    Map.of(
                                            "min",
                                            "0",
                                            "max",
                                            LARGEST_SEED,
                                            "actual",
                                            number.toString()));
                    return Seed.draw(random);
                });
    }

    private static int batchSize(Members members) {
        var size = members.integer("batch_size", 1, GenerationRequest.MAX_BATCH);
        var alias = members.integer("num_images", 1, GenerationRequest.MAX_BATCH);
        if (members.has("batch_size") && members.has("num_images") && !size.equals(alias)) {
            members.problems()
                    .add(
                            members.pointer("num_images"),
                            "conflict",
                            "is another name of batch_size: give one of them");
        }
        return size.or(() -> alias).orElse(1);
    }

    private static List<Lora> loras(PoolCatalogue fleet, Members members) {
        var loras = new ArrayList<Lora>();
        for (var element : members.elements("loras", 0, GenerationRequest.MAX_LORAS)) {
            var lora = Members.at(element.value(), element.pointer(), members.problems());
            var name = FleetNames.file(fleet, lora, "name", "loras");
            var strength = lora.decimal("strength", LEAST_STRENGTH, MOST_STRENGTH);
            lora.end();
            name.ifPresent(file -> loras.add(new Lora(file, strength.orElse(BigDecimal.ONE))));
        }
        return loras;
    }
}
