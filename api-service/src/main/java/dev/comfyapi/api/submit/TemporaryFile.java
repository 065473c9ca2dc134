package dev.comfyapi.api.submit;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;

/// A file without a name: it goes with this object, and with the process that dies. Written, then
/// read from the front.
final class TemporaryFile implements Closeable {

    private static final int BUFFER = 1 << 16;

    private final FileChannel channel;

    private TemporaryFile(FileChannel channel) {
        this.channel = channel;
    }

    static TemporaryFile create() throws IOException {
        return new TemporaryFile(
                FileChannel.open(
                        Files.createTempFile("comfyapi-batch", ""),
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.DELETE_ON_CLOSE));
    }

    /// To be flushed, not closed.
    OutputStream out() {
        return new BufferedOutputStream(Channels.newOutputStream(channel), BUFFER);
    }

    InputStream in() throws IOException {
        channel.position(0);
        return new BufferedInputStream(Channels.newInputStream(channel), BUFFER);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
