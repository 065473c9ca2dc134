package dev.comfyapi.worker.artifact;

import dev.comfyapi.artifact.ArtifactKey;
import dev.comfyapi.artifact.ArtifactStore;
import dev.comfyapi.artifact.FileType;
import dev.comfyapi.model.job.Artifact;
import dev.comfyapi.model.message.Assignment;
import dev.comfyapi.worker.comfyui.ComfyUi;
import dev.comfyapi.worker.comfyui.OutputFile;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Collection;
import java.util.HexFormat;

/// Takes output files over from ComfyUI into the store, and proves that they can be read there.
public final class ArtifactIntake {

    private static final Logger LOG = LoggerFactory.getLogger(ArtifactIntake.class);
    private static final int HEAD = 64 << 10;
    private static final Duration LONGEST_FETCH = Duration.ofMinutes(10);

    private final ComfyUi comfyUi;
    private final ArtifactStore store;
    private final long largest;
    private final Duration stall;

    ArtifactIntake(ComfyUi comfyUi, ArtifactStore store, long largest, Duration stall) {
        this.comfyUi = comfyUi;
        this.store = store;
        this.largest = largest;
        this.stall = stall;
    }

    /// Stores one file. Repeating it replaces what an earlier try has stored.
    ///
    /// @throws FetchException when ComfyUI is the reason
    /// @throws IOException when the store is
    public Artifact take(Assignment assignment, int index, OutputFile file)
            throws IOException, InterruptedException {
        if (!file.isSafe()) {
            throw new FetchException(
                    FetchException.Problem.UNSAFE_NAME,
                    "node %s reported a file name that leads elsewhere".formatted(file.nodeId()));
        }
        try (var in = new FetchedStream(fetch(file), largest, stall, LONGEST_FETCH)) {
            var head = in.readNBytes(HEAD);
            if (head.length == 0) {
                throw new FetchException(
                        FetchException.Problem.BROKEN, "ComfyUI answered an empty output file");
            }
            var type = FileType.of(head, file.filename());
            var key =
                    ArtifactKey.of(
                            assignment.tenant(), assignment.lease(), index, type.extension());
            InputStream whole = new SequenceInputStream(new ByteArrayInputStream(head), in);
            var stored = put(key, whole, type, assignment.keepMetadata());
            try {
                proveReadable(key, stored);
            } catch (IOException e) {
                store.delete(key);
                throw e;
            }
            var size = PictureSize.of(type, head);
            return new Artifact(
                    index,
                    type.kind(),
                    key.path(),
                    type.contentType(),
                    stored.sizeBytes(),
                    size.map(PictureSize::width).orElse(null),
                    size.map(PictureSize::height).orElse(null),
                    stored.sha256(),
                    file.nodeId(),
                    file.filename());
        }
    }

    private InputStream fetch(OutputFile file) throws FetchException, InterruptedException {
        try {
            return comfyUi.fetch(file)
                    .orElseThrow(() ->
                            new FetchException(
                                    FetchException.Problem.MISSING,
                                    "ComfyUI reported a file that it does not have"));
        } catch (FetchException e) {
            throw e;
        } catch (IOException e) {
            throw new FetchException(e);
        }
    }

    private ArtifactStore.Stored put(
            ArtifactKey key, InputStream content, FileType type, boolean keepMetadata)
            throws IOException {
        if (!type.isPng()) {
            return store.put(key, content);
        }
        try {
            return store.put(
                    key,
                    new PngFilter(content, keepMetadata ? PngFilter.NOTHING : PngFilter.METADATA));
        } catch (EOFException e) {
            throw new FetchException(e);
        }
    }

    private void proveReadable(ArtifactKey key, ArtifactStore.Stored stored) throws IOException {
        var file =
                store.open(key)
                        .orElseThrow(() -> new IOException(key + " is gone after it was stored"));
        try (file) {
            if (file.size() != stored.sizeBytes() || !sha256(file).equals(stored.sha256())) {
                throw new IOException(key + " reads differently from what was stored");
            }
        }
    }

    private static String sha256(SeekableByteChannel file) throws IOException {
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            var buffer = ByteBuffer.allocate(HEAD);
            while (file.read(buffer) >= 0) {
                digest.update(buffer.flip());
                buffer.clear();
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /// Deletes files nobody was told of. What cannot be deleted is logged and left: retention finds
    /// it.
    ///
    /// @param keys as [Artifact#key]
    public void discard(Collection<String> keys) {
        for (var key : keys) {
            try {
                store.delete(new ArtifactKey(key));
            } catch (IOException e) {
                LOG.warn("The file {} of an abandoned attempt could not be deleted", key, e);
            }
        }
    }
}
