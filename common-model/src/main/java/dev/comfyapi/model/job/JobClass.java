package dev.comfyapi.model.job;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.List;

/// What a job needs of a worker. Jobs of one class are alike to the scheduler.
///
/// @param affinity the main model as `folder/name`, or empty: workers that hold it in memory are
///   preferred
/// @param models all required model files as `folder/name`, sorted, without repetition
/// @param nodes all node classes of the graph, sorted, without repetition
/// @param minVramMb 0 when unknown
public record JobClass(
        String affinity, List<String> models, List<String> nodes, int minVramMb, String pool) {

    public static final String DEFAULT_POOL = "default";

    public JobClass {
        models = sorted(models);
        nodes = sorted(nodes);
    }

    private static List<String> sorted(Collection<String> names) {
        return names.stream().distinct().sorted().toList();
    }

    /// Whether a worker that is so can run its jobs.
    ///
    /// @param itsVramMb null when unknown
    /// @param itsModels files as `folder/name`
    /// @param itsNodes node classes
    public boolean runsOn(
            String itsPool,
            @Nullable Integer itsVramMb,
            Collection<String> itsModels,
            Collection<String> itsNodes) {
        return pool.equals(itsPool)
                && (itsVramMb == null || itsVramMb >= minVramMb)
                && itsModels.containsAll(models)
                && itsNodes.containsAll(nodes);
    }

    /// SHA-256 over all that tells one class from another.
    public byte[] hash() {
        var text =
                String.join(
                        "\u0000",
                        pool,
                        affinity,
                        Integer.toString(minVramMb),
                        String.join("\u0001", models),
                        String.join("\u0001", nodes));
        try {
            return MessageDigest.getInstance("SHA-256")
                    .digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
