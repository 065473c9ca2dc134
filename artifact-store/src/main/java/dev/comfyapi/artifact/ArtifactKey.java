package dev.comfyapi.artifact;

import dev.comfyapi.model.job.LeaseKey;

import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;

/// The name of one stored file: `{tenant}/{job}/{epoch}/{index}.{ext}` for an output,
/// `{tenant}/{asset}/0/0.{ext}` for an asset.
///
/// Made by the server, never by a client, and checked again where it comes back in a URL: it can
/// name nothing outside the store. Two attempts of one job have different epochs, so they never
/// write the same file.
public record ArtifactKey(String path) {

    private static final Pattern SHAPE =
            Pattern.compile(
                    "[0-9]{1,10}/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/[0-9]{1,10}/[0-9]{1,5}\\.[a-z0-9]{1,8}");

    public ArtifactKey {
        if (!SHAPE.matcher(path).matches()) {
            throw new IllegalArgumentException("not an artifact key: " + path);
        }
    }

    public static ArtifactKey of(int tenant, LeaseKey attempt, int index, String extension) {
        return new ArtifactKey(
                "%d/%s/%d/%d.%s"
                        .formatted(tenant, attempt.job(), attempt.epoch(), index, extension));
    }

    /// For a file that a client brought: where an output has the number of its attempt, from 1,
    /// this has 0.
    public static ArtifactKey ofAsset(int tenant, UUID asset, String extension) {
        return new ArtifactKey("%d/%s/0/0.%s".formatted(tenant, asset, extension));
    }

    public static Optional<ArtifactKey> parse(String path) {
        return SHAPE.matcher(path).matches()
                ? Optional.of(new ArtifactKey(path))
                : Optional.empty();
    }

    @Override
    public String toString() {
        return path;
    }
}
