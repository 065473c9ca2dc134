package dev.comfyapi.api.asset;

import dev.comfyapi.artifact.CheckedPicture;
import dev.comfyapi.artifact.RefusedFileException;

import org.springframework.stereotype.Component;

import java.io.IOException;
import java.nio.channels.SeekableByteChannel;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/// Walks through pictures on half of the processors. Thread-safe.
///
/// A large picture takes seconds of computing. Virtual threads are not taken from a processor while
/// they compute: a few such uploads at once would hold up every other request.
@Component
final class PictureChecks implements AutoCloseable {

    private final ExecutorService walkers;
    private final long mostPixels;

    PictureChecks(AssetProperties properties) {
        this.mostPixels = properties.mostPixels();
        this.walkers =
                Executors.newFixedThreadPool(
                        Math.max(1, Runtime.getRuntime().availableProcessors() / 2),
                        Thread.ofPlatform().daemon().name("picture-check-", 0).factory());
    }

    /// As [CheckedPicture#of]; waits for its turn.
    CheckedPicture check(SeekableByteChannel file)
            throws IOException, RefusedFileException, InterruptedException {
        try {
            return walkers.submit(() -> CheckedPicture.of(file, mostPixels)).get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RefusedFileException refused) {
                throw refused;
            }
            throw new IOException("a picture could not be checked", e);
        }
    }

    @Override
    public void close() {
        walkers.shutdownNow();
    }
}
