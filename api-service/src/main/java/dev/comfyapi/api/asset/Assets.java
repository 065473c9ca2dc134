package dev.comfyapi.api.asset;

import com.fasterxml.uuid.Generators;
import com.fasterxml.uuid.impl.TimeBasedEpochGenerator;

import dev.comfyapi.artifact.ArtifactKey;
import dev.comfyapi.artifact.ArtifactStore;
import dev.comfyapi.artifact.RefusedFileException;
import dev.comfyapi.db.asset.AssetRow;
import dev.comfyapi.db.asset.AssetStore;
import dev.comfyapi.db.asset.AssetStore.Dooming;
import dev.comfyapi.db.asset.NewAsset;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.UUID;

/// Takes files from clients, keeps them and lets them go. Thread-safe; no file is held in memory.
@Component
final class Assets {

    private static final Logger LOG = LoggerFactory.getLogger(Assets.class);

    /// Longer than storing a file takes.
    private static final Duration PATIENCE = Duration.ofHours(1);

    static final int BATCH = 100;

    private final AssetStore assets;
    private final ArtifactStore store;
    private final PictureChecks checks;
    private final TimeBasedEpochGenerator ids = Generators.timeBasedEpochGenerator();

    Assets(AssetStore assets, ArtifactStore store, PictureChecks checks) {
        this.assets = assets;
        this.store = store;
        this.checks = checks;
    }

    /// Where a file comes from.
    interface Source {
        void writeTo(OutputStream out)
                throws IOException, ImportRefusedException, InterruptedException;
    }

    /// @param isNew false when the tenant had the same file for the same purpose
    record Taken(AssetRow asset, boolean isNew) {}

    /// Takes a file if it is a picture that may be taken. Repeating it changes nothing but the time
    /// at which the asset expires.
    Taken take(int tenant, Source source, Wishes wishes)
            throws IOException,
                    RefusedFileException,
                    HashMismatchException,
                    ImportRefusedException,
                    InterruptedException {
        var arrived = Files.createTempFile("comfyapi-asset", "");
        try {
            var hash = spool(source, arrived);
            if (wishes.expectedSha256() != null && !wishes.expectedSha256().equals(hash)) {
                throw new HashMismatchException(hash);
            }
            var known = assets.reuse(tenant, wishes.purpose(), hash, wishes.lifetime());
            return known.isPresent()
                    ? new Taken(known.get(), false)
                    : keep(tenant, arrived, hash, wishes);
        } finally {
            Files.deleteIfExists(arrived);
        }
    }

    private static String spool(Source source, Path to)
            throws IOException, ImportRefusedException, InterruptedException {
        var digest = sha256();
        try (var out = new DigestOutputStream(Files.newOutputStream(to), digest)) {
            source.writeTo(out);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private Taken keep(int tenant, Path arrived, String hash, Wishes wishes)
            throws IOException, RefusedFileException, InterruptedException {
        try (var file = Files.newByteChannel(arrived)) {
            var picture = checks.check(file);
            var id = ids.generate();
            var key = ArtifactKey.ofAsset(tenant, id, picture.type().extension());
            assets.announce(
                    tenant,
                    new NewAsset(
                            id,
                            wishes.purpose(),
                            wishes.filename(),
                            picture.type().contentType(),
                            key.path(),
                            hash,
                            picture.width(),
                            picture.height(),
                            wishes.tags(),
                            wishes.lifetime()));
            var stored = store.put(key, picture.content());
            var ready = assets.ready(tenant, id, stored.sizeBytes(), stored.sha256());
            if (ready.isPresent()) {
                LOG.info("Tenant {} has a new asset {}", tenant, id);
                return new Taken(ready.get(), true);
            }
            remove(new AssetStore.Leftover(id, key.path()));
            var other = assets.reuse(tenant, wishes.purpose(), hash, wishes.lifetime());
            return new Taken(
                    other.orElseThrow(() ->
                            new IOException(
                                    "asset %s was deleted while it was stored".formatted(id))),
                    false);
        }
    }

    /// Deletes an asset that no live job names.
    Dooming delete(int tenant, UUID id) {
        var doomed = assets.doom(tenant, id);
        if (doomed == Dooming.DOOMED) {
            LOG.info("Tenant {} deleted the asset {}", tenant, id);
            removeDoomed();
        }
        return doomed;
    }

    /// Deletes what has expired, and what was left by others that died.
    ///
    /// @return how many files went; fewer than [#BATCH] when nothing is left
    int purge() {
        assets.doomExpired(BATCH);
        return removeDoomed();
    }

    private int removeDoomed() {
        int removed = 0;
        for (var leftover : assets.unsettled(PATIENCE, BATCH)) {
            try {
                remove(leftover);
                removed++;
            } catch (IOException e) {
                LOG.warn("The file of asset {} could not be deleted yet", leftover.id(), e);
            }
        }
        return removed;
    }

    /// The file first: a row without a file is found again, a file without a row is not.
    private void remove(AssetStore.Leftover leftover) throws IOException {
        store.delete(new ArtifactKey(leftover.key()));
        assets.forget(leftover.id());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
