package dev.comfyapi.model.asset;

import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;

/// A file named by where the platform has it: `asset://<asset_id>`, or
/// `job://<job_id>/artifacts/<index>` (`job://<job_id>/<index>` is the same).
///
/// @param index which file of the job; 0 for an asset
public record ContentReference(Kind kind, UUID id, int index) {

    /// Where the file is.
    public enum Kind {
        /// A file that a client uploaded.
        ASSET,
        /// A file that a job made.
        JOB
    }

    private static final String UUID_FORM = "([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})";
    private static final Pattern ASSET = Pattern.compile("asset://" + UUID_FORM);
    private static final Pattern JOB =
            Pattern.compile("job://" + UUID_FORM + "/(?:artifacts/)?(0|[1-9][0-9]{0,5})");

    /// Empty when the text is no reference.
    public static Optional<ContentReference> parse(String text) {
        var asset = ASSET.matcher(text);
        if (asset.matches()) {
            return Optional.of(
                    new ContentReference(Kind.ASSET, UUID.fromString(asset.group(1)), 0));
        }
        var job = JOB.matcher(text);
        if (job.matches()) {
            return Optional.of(
                    new ContentReference(
                            Kind.JOB,
                            UUID.fromString(job.group(1)),
                            Integer.parseInt(job.group(2))));
        }
        return Optional.empty();
    }

    /// The form that [#parse] reads.
    @Override
    public String toString() {
        return switch (kind) {
            case ASSET -> "asset://" + id;
            case JOB -> "job://%s/artifacts/%d".formatted(id, index);
        };
    }
}
