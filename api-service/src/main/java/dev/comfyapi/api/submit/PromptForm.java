package dev.comfyapi.api.submit;

import dev.comfyapi.api.catalogue.FleetCatalogue;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.http.Similar;
import dev.comfyapi.model.generation.GenerationRequest;
import dev.comfyapi.model.generation.GenerationRequest.Lora;
import dev.comfyapi.model.generation.SamplerNames;
import dev.comfyapi.model.generation.Seed;
import dev.comfyapi.model.generation.TextToImage;

import org.springframework.stereotype.Component;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.random.RandomGenerator;
import java.util.regex.Pattern;

/// Reads a prompt request: checks every member, fills in the defaults, draws the seed.
@Component
final class PromptForm {

    private static final int LONGEST_NAME = 255;
    private static final int MOST_SIMILAR = 5;
    private static final BigDecimal LEAST_STRENGTH = new BigDecimal("-100");
    private static final BigDecimal MOST_STRENGTH = new BigDecimal("100");
    private static final BigInteger DRAW = BigInteger.ONE.negate();
    private static final String LARGEST_SEED = "18446744073709551615";
    private static final Pattern WHOLE_NUMBER = Pattern.compile("-?[0-9]{1,1000}");

    /// What the contract has and this version does not offer.
    private static final String[] NOT_OFFERED = {
        "workflow",
        "workflow_template",
        "inputs",
        "init_image",
        "mask",
        "strength",
        "controlnet",
        "upscale",
        "webhook",
        "finish_within_s"
    };

    private final FleetCatalogue fleet;
    private final SubmitProperties properties;
    private final Clock clock;
    private final RandomGenerator random = new SecureRandom();

    PromptForm(FleetCatalogue fleet, SubmitProperties properties, Clock clock) {
        this.fleet = fleet;
        this.properties = properties;
        this.clock = clock;
    }

    /// The request, or empty when something is wrong with it, which the problems say.
    Optional<CheckedRequest> read(Members members) {
        int before = members.problems().all().size();
        var generation = generation(members);
        var terms = JobTerms.read(members, properties, clock);
        members.notOffered(NOT_OFFERED);
        members.end();

        if (generation.isEmpty() || members.problems().all().size() > before) {
            return Optional.empty();
        }
        return Optional.of(
                terms.with(
                        TextToImage.graph(generation.get()),
                        ResolvedParams.json(generation.get())));
    }

    private Optional<GenerationRequest> generation(Members members) {
        members.require("prompt");
        var prompt = members.trimmedText("prompt", 1, GenerationRequest.MAX_PROMPT);
        var negative = members.text("negative_prompt", 0, GenerationRequest.MAX_NEGATIVE_PROMPT);
        var width = size(members, "width");
        var height = size(members, "height");
        var steps = members.integer("steps", 1, GenerationRequest.MAX_STEPS);
        var cfg =
                members.decimal(
                        "cfg_scale",
                        GenerationRequest.MIN_CFG_SCALE,
                        GenerationRequest.MAX_CFG_SCALE);
        var sampler = sampler(members);
        var scheduler = scheduler(members);
        var seed = seed(members);
        var batch = batchSize(members);
        var loras = loras(members);
        var model = model(members);
        if (prompt.isEmpty() || model.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(
                new GenerationRequest(
                        prompt.get(),
                        negative.orElse(""),
                        width,
                        height,
                        steps.orElse(GenerationRequest.DEFAULT_STEPS),
                        cfg.orElse(GenerationRequest.DEFAULT_CFG_SCALE),
                        sampler.sampler(),
                        scheduler.orElseGet(() -> impliedScheduler(sampler)),
                        seed,
                        model.get(),
                        batch,
                        loras));
    }

    private static int size(Members members, String name) {
        var size =
                members.integer(name, GenerationRequest.MIN_SIZE, GenerationRequest.MAX_SIZE)
                        .orElse(GenerationRequest.DEFAULT_SIZE);
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

    private SamplerNames.Choice sampler(Members members) {
        var usual = new SamplerNames.Choice(GenerationRequest.DEFAULT_SAMPLER, null);
        var name = members.text("sampler", 1, LONGEST_NAME);
        if (name.isEmpty()) {
            return usual;
        }
        return SamplerNames.sampler(name.get(), fleet.samplers())
                .orElseGet(() -> {
                    refuseName(
                            members,
                            "sampler",
                            name.get(),
                            union(SamplerNames.SAMPLERS, fleet.samplers()));
                    return usual;
                });
    }

    private Optional<String> scheduler(Members members) {
        var name = members.text("scheduler", 1, LONGEST_NAME);
        if (name.isEmpty()) {
            return Optional.empty();
        }
        var scheduler = SamplerNames.scheduler(name.get(), fleet.schedulers());
        if (scheduler.isEmpty()) {
            refuseName(
                    members,
                    "scheduler",
                    name.get(),
                    union(SamplerNames.SCHEDULERS, fleet.schedulers()));
        }
        return scheduler;
    }

    private static String impliedScheduler(SamplerNames.Choice sampler) {
        return sampler.scheduler() == null
                ? GenerationRequest.DEFAULT_SCHEDULER
                : sampler.scheduler();
    }

    private static Set<String> union(Set<String> known, Set<String> reported) {
        var all = new TreeSet<>(known);
        all.addAll(reported);
        return all;
    }

    private static void refuseName(
            Members members, String member, String name, Collection<String> known) {
        var similar = Similar.near(name, known, MOST_SIMILAR);
        members.problems()
                .add(
                        members.pointer(member),
                        "invalid_value",
                        similar.isEmpty()
                                ? "is not a known " + member
                                : "is not a known %s; similar are %s"
                                        .formatted(member, String.join(", ", similar)),
                        Map.of("requested", name, "similar", similar));
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

    private List<Lora> loras(Members members) {
        var loras = new ArrayList<Lora>();
        for (var element : members.elements("loras", 0, GenerationRequest.MAX_LORAS)) {
            var lora = Members.at(element.value(), element.pointer(), members.problems());
            lora.require("name");
            var name = lora.text("name", 1, LONGEST_NAME);
            var strength = lora.decimal("strength", LEAST_STRENGTH, MOST_STRENGTH);
            lora.end();
            name.ifPresent(file -> {
                checkAvailable(lora, "name", "loras", file);
                loras.add(new Lora(file, strength.orElse(BigDecimal.ONE)));
            });
        }
        return loras;
    }

    private Optional<String> model(Members members) {
        if (members.has("model")) {
            var model = members.text("model", 1, LONGEST_NAME);
            model.ifPresent(file -> checkAvailable(members, "model", "checkpoints", file));
            return model;
        }
        var model = Optional.ofNullable(properties.defaultModel());
        if (model.isPresent()) {
            checkAvailable(members, "model", "checkpoints", model.get());
            return model;
        }
        var first = fleet.firstCheckpoint();
        if (first.isEmpty()) {
            members.problems()
                    .add(
                            members.pointer("model"),
                            "required",
                            "has to name a checkpoint: there is no default, and no worker has said"
                                    + " yet which ones there are");
        }
        return first;
    }

    private void checkAvailable(Members members, String member, String folder, String file) {
        if (file.startsWith("/") || List.of(file.split("[/\\\\]", -1)).contains("..")) {
            members.problems()
                    .add(
                            members.pointer(member),
                            "invalid_value",
                            "must be a file name relative to ComfyUI's %s folder".formatted(folder),
                            Map.of("folder", folder));
            return;
        }
        if (!fleet.isKnown() || fleet.canRun(List.of(folder + "/" + file))) {
            return;
        }
        var similar = Similar.near(file, fleet.names(folder), MOST_SIMILAR);
        members.problems()
                .add(
                        members.pointer(member),
                        "model_not_available",
                        similar.isEmpty()
                                ? "is on no live worker"
                                : "is on no live worker; similar are " + String.join(", ", similar),
                        Map.of("requested", file, "similar", similar));
    }
}
