package dev.comfyapi.api.submit;

import dev.comfyapi.api.catalogue.PoolCatalogue;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.model.generation.ModelFamilies;
import dev.comfyapi.model.generation.ModelFamily;
import dev.comfyapi.model.generation.ModelFiles;
import dev.comfyapi.model.generation.ModelPart;
import dev.comfyapi.model.generation.ModelParts;

import org.springframework.stereotype.Component;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// Reads which model a request wants, and finds the files that it is loaded from.
@Component
final class ModelForm {

    private static final String CHECKPOINTS = "checkpoints";
    private static final String DIFFUSION_MODELS = "diffusion_models";

    private final SubmitProperties properties;
    private final ModelFamilies families;
    private final ModelParts parts;

    ModelForm(SubmitProperties properties, GenerationProperties names) {
        this.properties = properties;
        this.families = new ModelFamilies(names.families());
        this.parts = new ModelParts(names.parts(), names.wholeCheckpoints());
    }

    /// A model and how to run it.
    record Choice(ModelFamily family, ModelFiles files) {}

    /// The wanted model, else the configured one, else the fleet's first checkpoint; empty when
    /// there is none that can be run, which the problems say.
    Optional<Choice> read(PoolCatalogue fleet, Members members) {
        if (members.has("model")) {
            return members.text("model", 1, FleetNames.LONGEST)
                    .filter(file -> FleetNames.isRelative(members, "model", CHECKPOINTS, file))
                    .flatMap(file -> choose(fleet, members, file));
        }
        var usual = Optional.ofNullable(properties.defaultModel()).or(fleet::firstCheckpoint);
        if (usual.isEmpty()) {
            members.problems()
                    .add(
                            members.pointer("model"),
                            "required",
                            "has to name a checkpoint: there is no default, and no worker has said"
                                    + " yet which ones there are");
        }
        return usual.flatMap(file -> choose(fleet, members, file));
    }

    private Optional<Choice> choose(PoolCatalogue fleet, Members members, String file) {
        var family = families.of(file);
        var checkpoints = fleet.lastNames(CHECKPOINTS);
        var diffusionModels = fleet.lastNames(DIFFUSION_MODELS);
        if (!checkpoints.contains(file) && diffusionModels.contains(file)) {
            return separate(fleet, members, family, file).map(files -> new Choice(family, files));
        }
        if (fleet.isKnown() && !checkpoints.contains(file)) {
            var known =
                    Stream.concat(
                                    checkpoints.stream(),
                                    diffusionModels.stream()
                                            .filter(name -> canBeSeparate(families.of(name))))
                            .distinct()
                            .toList();
            FleetNames.refuseMissing(members, "model", file, known);
            return Optional.empty();
        }
        return Optional.of(new Choice(family, checkpoint(fleet, family, file)));
    }

    /// Bare SD3 checkpoints are usual, and so are whole ones: when the fleet has no text encoders
    /// lying apart, the checkpoint can only be whole.
    private ModelFiles checkpoint(PoolCatalogue fleet, ModelFamily family, String file) {
        if (family != ModelFamily.SD3 || parts.areInside(file)) {
            return new ModelFiles.Checkpoint(file);
        }
        var encoders = new ArrayList<String>();
        for (var part : family.textEncoders()) {
            find(fleet, part).ifPresent(encoders::add);
        }
        return encoders.size() == family.textEncoders().size()
                ? new ModelFiles.BareCheckpoint(file, encoders)
                : new ModelFiles.Checkpoint(file);
    }

    private static boolean canBeSeparate(ModelFamily family) {
        return family.decoder().isPresent();
    }

    private Optional<ModelFiles> separate(
            PoolCatalogue fleet, Members members, ModelFamily family, String file) {
        var decoder = family.decoder();
        if (decoder.isEmpty()) {
            members.problems()
                    .add(
                            members.pointer("model"),
                            "not_supported",
                            "is in ComfyUI's diffusion_models folder; a model of its family can be"
                                    + " run as a whole checkpoint only",
                            Map.of("requested", file, "family", wordOf(family)));
            return Optional.empty();
        }
        var encoders = new ArrayList<String>();
        var missing = new ArrayList<String>();
        for (var part : family.textEncoders()) {
            find(fleet, part).ifPresentOrElse(encoders::add, () -> missing.add(pathOf(part)));
        }
        var vae = find(fleet, decoder.get());
        if (vae.isEmpty()) {
            missing.add(pathOf(decoder.get()));
        }
        if (!missing.isEmpty()) {
            members.problems()
                    .add(
                            members.pointer("model"),
                            "model_not_available",
                            "needs files that are on no live worker: " + String.join(", ", missing),
                            Map.of("requested", file, "missing", List.copyOf(missing)));
            return Optional.empty();
        }
        return Optional.of(new ModelFiles.Separate(file, encoders, vae.orElseThrow()));
    }

    private Optional<String> find(PoolCatalogue fleet, ModelPart part) {
        return parts.find(part, fleet.lastNames(part.folder()));
    }

    private static String pathOf(ModelPart part) {
        return part.folder() + "/" + part.usualName();
    }

    private static String wordOf(ModelFamily family) {
        return family.name().toLowerCase(java.util.Locale.ROOT);
    }
}
