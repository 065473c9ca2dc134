package dev.comfyapi.model.generation;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Tells a model's family by its file's name. Immutable.
public final class ModelFamilies {

    private final List<Rule> rules = new ArrayList<>();

    private record Rule(ModelFamily family, FileNamePatterns names) {}

    /// With the shipped patterns, save for the families that are given others.
    ///
    /// @param patterns such as `*flux*`: `*` is any text, `?` any character, case does not matter
    public ModelFamilies(Map<ModelFamily, List<String>> patterns) {
        for (var family : ModelFamily.values()) {
            var names = patterns.getOrDefault(family, family.patterns());
            rules.add(new Rule(family, new FileNamePatterns(names)));
        }
    }

    /// The first family whose patterns fit; [ModelFamily#SD15] when none does.
    ///
    /// @param file path relative to its model folder
    public ModelFamily of(String file) {
        for (var rule : rules) {
            if (rule.names.fit(file)) {
                return rule.family;
            }
        }
        return ModelFamily.SD15;
    }
}
