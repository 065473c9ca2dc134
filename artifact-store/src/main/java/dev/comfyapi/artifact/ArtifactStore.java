package dev.comfyapi.artifact;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.SeekableByteChannel;
import java.util.Optional;

/// Keeps output files. Thread-safe; every instance of every service sees the same files.
public interface ArtifactStore {

    /// Stores all of the stream under this key, or nothing: a file that can be opened is whole.
    ///
    /// Repeating it replaces the file.
    ///
    /// @return what was stored, by what was read from the stream
    /// @throws IOException when the stream or the store failed; nothing is left behind under the
    ///   key
    Stored put(ArtifactKey key, InputStream content) throws IOException;

    /// Opens a file for reading from any position; the caller closes it. Empty when there is none.
    Optional<SeekableByteChannel> open(ArtifactKey key) throws IOException;

    /// Deletes a file; nothing happens when there is none.
    void delete(ArtifactKey key) throws IOException;

    /// Proves that the store can be written and read, for health checks.
    void check() throws IOException;

    /// @param sha256 lower-case hex
    record Stored(long sizeBytes, String sha256) {}
}
