package dev.comfyapi.worker.artifact;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/// Bytes on their way from ComfyUI: not too many, not for ever, and their errors told apart from
/// the store's.
final class FetchedStream extends FilterInputStream {

    /// In one window; less is no download but a trickle.
    private static final long LEAST = 64 << 10;

    private final long most;
    private final Thread watch;
    private final AtomicLong count = new AtomicLong();

    /// @param window closed when fewer than 64 KiB come in this time
    FetchedStream(InputStream in, long most, Duration window, Duration longest) {
        super(in);
        this.most = most;
        // A read that blocks ends when its stream is closed; a timeout of the HTTP client ends with
        // the headers.
        watch = Thread.ofVirtual().name("fetch-limit").start(() -> watch(window, longest));
    }

    private void watch(Duration window, Duration longest) {
        long until = System.nanoTime() + longest.toNanos();
        long before;
        try {
            do {
                before = count.get();
                TimeUnit.NANOSECONDS.sleep(window.toNanos());
            } while (count.get() - before >= LEAST && System.nanoTime() - until < 0);
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
        if (count.addAndGet(read) > most) {
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
