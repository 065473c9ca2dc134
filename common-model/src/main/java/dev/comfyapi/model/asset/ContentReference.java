package dev.comfyapi.model.asset;

import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;

/// A stored file as requests and graphs name it: `asset://{id}` for an upload,
/// `job://{id}/artifacts/{index}` for an output of a job (`job://{id}/{index}` means the same).
///
/// Says nothing about whether the file exists or whose it is.
///
/// @param id of the asset or the job
/// @param index of the artifact, from 0; 0 for an asset
public record ContentReference(Kind kind, UUID id, int index) {

    /// What is named.
    public enum Kind {
        ASSET,
        JOB
    }

    private static final String ID = "([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})";
    private static final Pattern ASSET = Pattern.compile("asset://" + ID);
    private static final Pattern JOB =
            Pattern.compile("job://" + ID + "/(?:artifacts/)?(0|[1-9][0-9]{0,4})");

    public static ContentReference asset(UUID id) {
        return new ContentReference(Kind.ASSET, id, 0);
    }

    public static ContentReference artifact(UUID job, int index) {
        return new ContentReference(Kind.JOB, job, index);
    }

    /// Reads a text that is a reference and nothing else; ids in canonical lower case.
    public static Optional<ContentReference> parse(String text) {
        var asset = ASSET.matcher(text);
        if (asset.matches()) {
            return Optional.of(asset(UUID.fromString(asset.group(1))));
        }
        var job = JOB.matcher(text);
        return job.matches()
                ? Optional.of(
                        artifact(UUID.fromString(job.group(1)), Integer.parseInt(job.group(2))))
                : Optional.empty();
    }

    /// As [#parse] reads it; the same text for equal references.
    @Override
    public String toString() {
        return switch (kind) {
            case ASSET -> "asset://" + id;
            case JOB -> "job://%s/artifacts/%d".formatted(id, index);
        };
    }
}
