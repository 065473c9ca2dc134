package dev.comfyapi.api.artifact;

import dev.comfyapi.artifact.ArtifactKey;
import dev.comfyapi.artifact.SignedLinks;
import dev.comfyapi.db.secret.SecretStore;

import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;

/// Makes and checks links to output files. Thread-safe.
@Component
public final class ArtifactLinks {

    /// Links made within the same hour are the same, so that caches and entity tags stay useful.
    private static final Duration STEP = Duration.ofHours(1);

    private final SecretStore secrets;
    private final Clock clock;
    private final ArtifactProperties properties;
    private volatile @Nullable SignedLinks links;

    ArtifactLinks(SecretStore secrets, Clock clock, ArtifactProperties properties) {
        this.secrets = secrets;
        this.clock = clock;
        this.properties = properties;
    }

    /// When links that are made now expire.
    public Instant expiry() {
        long step = STEP.toSeconds();
        long end = clock.instant().plus(properties.linkLifetime()).getEpochSecond();
        return Instant.ofEpochSecond((end / step + 1) * step);
    }

    /// Path and query of a link to this file.
    public String sign(ArtifactKey key, Instant expires) {
        return links().sign(key, expires);
    }

    /// How a link stands.
    enum Standing {
        GOOD,
        EXPIRED,
        FORGED
    }

    Standing check(ArtifactKey key, long expires, String signature) {
        if (expires < 0 || !links().isValid(key.path(), expires, signature, Instant.EPOCH)) {
            return Standing.FORGED;
        }
        return links().isValid(key.path(), expires, signature, clock.instant())
                ? Standing.GOOD
                : Standing.EXPIRED;
    }

    /// Made when first needed: the database may come later than this service.
    private SignedLinks links() {
        var known = links;
        if (known == null) {
            known = new SignedLinks(secrets.get("files"));
            links = known;
        }
        return known;
    }
}
