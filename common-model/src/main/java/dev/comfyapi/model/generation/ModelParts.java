package dev.comfyapi.model.generation;

import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/// Finds the files that some models need beside their own. Immutable.
public final class ModelParts {

    private final Map<ModelPart, FileNamePatterns> names = new EnumMap<>(ModelPart.class);

    private final FileNamePatterns whole;

    /// With the shipped patterns, save for the parts that are given others.
    ///
    /// @param patterns as for [ModelFamilies], the preferred ones first
    /// @param wholeCheckpoints patterns of checkpoints that have their parts inside
    public ModelParts(Map<ModelPart, List<String>> patterns, List<String> wholeCheckpoints) {
        whole = new FileNamePatterns(wholeCheckpoints);
        for (var part : ModelPart.values()) {
            names.put(part, new FileNamePatterns(patterns.getOrDefault(part, part.patterns())));
        }
    }

    /// Whether the name says that this checkpoint needs nothing beside itself.
    public boolean areInside(String checkpoint) {
        return whole.fit(checkpoint);
    }

    /// The file to take for this part.
    ///
    /// @param files what is in the part's folder
    public Optional<String> find(ModelPart part, Collection<String> files) {
        return Objects.requireNonNull(names.get(part)).inOrder().stream()
                .flatMap(pattern ->
                        files.stream()
                                .filter(file -> FileNamePatterns.fits(pattern, file))
                                .sorted())
                .findFirst();
    }
}
