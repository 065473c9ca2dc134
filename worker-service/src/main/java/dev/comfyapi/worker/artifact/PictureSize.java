package dev.comfyapi.worker.artifact;

import dev.comfyapi.artifact.FileType;

import java.util.Optional;

/// Width and height, read from the header; nothing is decoded.
record PictureSize(int width, int height) {

    /// @param head the first bytes; a JPEG may need some ten thousand when it carries EXIF
    static Optional<PictureSize> of(FileType type, byte[] head) {
        try {
            return Optional.ofNullable(
                            switch (type.extension()) {
                                case "png" -> new PictureSize(big32(head, 16), big32(head, 20));
                                case "webp" -> webp(head);
                                case "jpg" -> jpeg(head);
                                default -> new PictureSize(0, 0);
                            })
                    .filter(size -> size.width > 0 && size.height > 0);
        } catch (ArrayIndexOutOfBoundsException _) {
            // The header is longer than what was read, or broken.
            return Optional.empty();
        }
    }

    private static PictureSize webp(byte[] b) {
        return switch (b[15]) {
            case 'X' -> new PictureSize(1 + little24(b, 24), 1 + little24(b, 27));
            case 'L' -> {
                int bits = little24(b, 21) | (b[24] & 0xff) << 24;
                yield new PictureSize(1 + (bits & 0x3fff), 1 + (bits >> 14 & 0x3fff));
            }
            default -> new PictureSize(little16(b, 26) & 0x3fff, little16(b, 28) & 0x3fff);
        };
    }

    /// Walks the segments to the frame header.
    private static PictureSize jpeg(byte[] b) {
        int at = 2;
        while (true) {
            int marker = b[at + 1] & 0xff;
            boolean frame =
                    marker >= 0xc0
                            && marker <= 0xcf
                            && marker != 0xc4
                            && marker != 0xc8
                            && marker != 0xcc;
            if (frame) {
                return new PictureSize(big16(b, at + 7), big16(b, at + 5));
            }
            at += 2 + big16(b, at + 2);
        }
    }

    private static int big32(byte[] b, int at) {
        return big16(b, at) << 16 | big16(b, at + 2);
    }

    private static int big16(byte[] b, int at) {
        return (b[at] & 0xff) << 8 | (b[at + 1] & 0xff);
    }

    private static int little16(byte[] b, int at) {
        return (b[at] & 0xff) | (b[at + 1] & 0xff) << 8;
    }

    private static int little24(byte[] b, int at) {
        return little16(b, at) | (b[at + 2] & 0xff) << 16;
    }
}
