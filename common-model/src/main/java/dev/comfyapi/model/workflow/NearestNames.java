package dev.comfyapi.model.workflow;

import java.util.Collection;
import java.util.List;

/// Finds what a client probably meant.
@FunctionalInterface
public interface NearestNames {

    /// A few of the candidates, the nearest first; none when none is near.
    List<String> near(String name, Collection<String> candidates);
}
