package dev.comfyapi.artifact;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.SeekableByteChannel;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

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

    /// Deletes all files of a job, those of attempts that did not succeed too, or of an asset;
    /// nothing happens when there are none. A call that failed may have deleted some of them.
    void deleteAll(int tenant, UUID resource) throws IOException;

    /// The same for one attempt.
    void deleteAll(ArtifactFolder folder) throws IOException;

    /// Begins to name every folder, in no order; the caller closes it. What comes or goes meanwhile
    /// may be in it or not.
    Walk walk() throws IOException;

    /// One way through the store. For one thread.
    interface Walk extends Closeable {

        /// The next folders, about so many; empty at the end.
        List<ArtifactFolder> next(int most) throws IOException;
    }

    /// Deletes what is left of files that began to be stored before this time and never became
    /// whole; answers how many.
    int deleteUnfinished(Instant before) throws IOException;

    /// Proves that the store can be written and read, for health checks.
    void check() throws IOException;

    /// @param sha256 lower-case hex
    record Stored(long sizeBytes, String sha256) {}
}
