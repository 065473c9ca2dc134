package dev.comfyapi.simulator;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// Consecutive bytes of a file, read only when they are sent.
record FilePart(Path file, long from, long length) {

    FileChannel open() throws IOException {
        return FileChannel.open(file, StandardOpenOption.READ).position(from);
    }
}
