package dev.comfyapi.model.asset;

import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;

/// Content that a request names instead of sending it: `asset://<uuid>`, or the file of an earlier
/// job, `job://<uuid>/artifacts/<index>`, shorter `job://<uuid>/<index>`.
///
/// @param id the asset or the job
/// @param index which file of the job, from 0; 0 for an asset
public record ContentReference(Kind kind, UUID id, int index) {

    /// What is referred to.
    public enum Kind {
        ASSET,
        JOB
    }

    private static final String ID =
            "([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})";
    private static final Pattern ASSET = Pattern.compile("asset://" + ID);
    private static final Pattern JOB =
            Pattern.compile("job://" + ID + "/(?:artifacts/)?(0|[1-9][0-9]{0,3})");

    /// Empty when the text is no reference.
    public static Optional<ContentReference> parse(String text) {
        var asset = ASSET.matcher(text);
        if (asset.matches()) {
            return Optional.of(
                    new ContentReference(Kind.ASSET, UUID.fromString(asset.group(1)), 0));
        }
        var job = JOB.matcher(text);
        return job.matches()
                ? Optional.of(
                        new ContentReference(
                                Kind.JOB,
                                UUID.fromString(job.group(1)),
                                Integer.parseInt(job.group(2))))
                : Optional.empty();
    }
}
