package dev.comfyapi.worker.artifact;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/// Bytes on their way from ComfyUI: not too many, not for ever, and their errors told apart from
/// the store's.
final class FetchedStream extends FilterInputStream {

    private final long most;
    private final Thread watch;
    private long count;

    FetchedStream(InputStream in, long most, Duration longest) {
        super(in);
        this.most = most;
        // A read that blocks ends when its stream is closed; a timeout of the HTTP client ends with
        // the headers.
        watch = Thread.ofVirtual().name("fetch-limit").start(() -> closeAfter(longest));
    }

    private void closeAfter(Duration longest) {
        try {
            TimeUnit.NANOSECONDS.sleep(longest.toNanos());
            in.close();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } catch (IOException _) {
            // The reader hears of it.
        }
    }

    @Override
    public int read() throws IOException {
        try {
            int value = super.read();
            counted(value < 0 ? 0 : 1);
            return value;
        } catch (FetchException e) {
            throw e;
        } catch (IOException e) {
            throw new FetchException(e);
        }
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        try {
            int read = super.read(into, offset, length);
            counted(Math.max(0, read));
            return read;
        } catch (FetchException e) {
            throw e;
        } catch (IOException e) {
            throw new FetchException(e);
        }
    }

    /// By reading, so that what is skipped is counted.
    @Override
    public long skip(long bytes) throws IOException {
        return Math.max(0, read(new byte[Math.clamp(bytes, 0, 8_192)]));
    }

    private void counted(int read) throws FetchException {
        count += read;
        if (count > most) {
            throw new FetchException(
                    FetchException.Problem.TOO_LARGE,
                    "an output file is larger than %d bytes".formatted(most));
        }
    }

    @Override
    public void close() throws IOException {
        watch.interrupt();
        super.close();
    }
}
