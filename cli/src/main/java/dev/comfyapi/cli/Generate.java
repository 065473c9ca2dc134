package dev.comfyapi.cli;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import tools.jackson.databind.node.ObjectNode;

import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.List;

/// Pictures from words. Ranges are the service's business: it says everything that is wrong at
/// once.
@Command(
        name = "generate",
        description = "Make a picture from a prompt.",
        mixinStandardHelpOptions = true)
final class Generate extends ServiceCommand {

    @Parameters(paramLabel = "PROMPT", description = "What the picture shows.")
    @SuppressWarnings("NullAway.Init")
    private String prompt;

    @Option(names = "--negative", description = "What it must not show.")
    private @Nullable String negative;

    @Option(names = "--model", description = "Checkpoint; see comfyapi models.")
    private @Nullable String model;

    @Option(
            names = {"-W", "--width"},
            description = "Pixels, divisible by 8.")
    private @Nullable Integer width;

    @Option(
            names = {"-H", "--height"},
            description = "Pixels, divisible by 8.")
    private @Nullable Integer height;

    @Option(names = "--steps", description = "Sampler steps.")
    private @Nullable Integer steps;

    @Option(names = "--cfg", description = "How closely it keeps to the prompt.")
    private @Nullable BigDecimal cfg;

    @Option(names = "--sampler", description = "Such as \"DPM++ 2M Karras\".")
    private @Nullable String sampler;

    @Option(names = "--seed", description = "The same seed makes the same picture.")
    private @Nullable String seed;

    @Option(
            names = {"-n", "--count"},
            description = "Several pictures at once.")
    private @Nullable Integer count;

    @Option(
            names = "--lora",
            paramLabel = "NAME[:STRENGTH]",
            description = "A style laid over the model; may be repeated.")
    private @Nullable List<String> loras;

    @Option(names = "--init-image", description = "A picture to begin with.")
    private @Nullable Path initImage;

    @Option(names = "--strength", description = "How far it may go from there, 0 to 1.")
    private @Nullable BigDecimal strength;

    @Option(names = "--mask", description = "Repaint only where this picture is white.")
    private @Nullable Path mask;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private Submitted submitted;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec command;

    @Override
    ExitCode call(Service service) throws ServiceException, InterruptedException {
        var body = Service.JSON.createObjectNode().put("prompt", prompt);
        put(body, "negative_prompt", negative);
        put(body, "model", model);
        put(body, "width", width);
        put(body, "height", height);
        put(body, "steps", steps);
        put(body, "sampler", sampler);
        put(body, "seed", seed);
        put(body, "batch_size", count);
        if (cfg != null) {
            body.put("cfg_scale", cfg);
        }
        if (strength != null) {
            body.put("strength", strength);
        }
        if (loras != null) {
            addLoras(body, loras);
        }
        if (initImage != null) {
            body.put("init_image", service.upload(initImage));
        }
        if (mask != null) {
            body.put("mask", service.upload(mask));
        }
        return submitted.follow(
                service, program(), service.create("/api/v1/jobs", body), "Painting");
    }

    private static void put(ObjectNode body, String name, @Nullable Object value) {
        if (value instanceof Integer number) {
            body.put(name, number);
        } else if (value != null) {
            body.put(name, value.toString());
        }
    }

    private void addLoras(ObjectNode body, List<String> names) {
        var array = body.putArray("loras");
        for (var lora : names) {
            int colon = lora.lastIndexOf(':');
            var item = array.addObject().put("name", colon < 0 ? lora : lora.substring(0, colon));
            if (colon >= 0) {
                try {
                    item.put("strength", new BigDecimal(lora.substring(colon + 1)));
                } catch (NumberFormatException _) {
                    throw new ParameterException(
                            command.commandLine(),
                            "--lora %s: what stands behind the colon must be a number"
                                    .formatted(lora));
                }
            }
        }
    }
}
