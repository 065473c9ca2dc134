package dev.comfyapi.artifact;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/// What a file is, by its first bytes. Neither its name nor its sender's word is believed: a
/// browser will be told this type.
///
/// @param kind as in [dev.comfyapi.model.job.Artifact]
/// @param extension of the stored file
public record FileType(String contentType, String kind, String extension) {

    private static final byte[] PNG_SIGNATURE = {
        (byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'
    };

    public static final FileType PNG = new FileType("image/png", "image", "png");
    public static final FileType JPEG = new FileType("image/jpeg", "image", "jpg");
    public static final FileType WEBP = new FileType("image/webp", "image", "webp");

    private static final FileType GIF = new FileType("image/gif", "image", "gif");
    private static final FileType MP4 = new FileType("video/mp4", "video", "mp4");
    private static final FileType WEBM = new FileType("video/webm", "video", "webm");
    private static final FileType MATROSKA = new FileType("video/x-matroska", "video", "mkv");
    private static final FileType FLAC = new FileType("audio/flac", "audio", "flac");
    private static final FileType MP3 = new FileType("audio/mpeg", "audio", "mp3");
    private static final FileType OGG = new FileType("audio/ogg", "audio", "ogg");
    private static final FileType WAV = new FileType("audio/wav", "audio", "wav");
    private static final FileType GLB = new FileType("model/gltf-binary", "model3d", "glb");
    private static final FileType TEXT = new FileType("text/plain; charset=utf-8", "text", "txt");
    private static final String BYTES = "application/octet-stream";

    private static final List<FileType> WITH_A_TYPE =
            List.of(PNG, JPEG, WEBP, GIF, MP4, WEBM, MATROSKA, FLAC, MP3, OGG, WAV, GLB, TEXT);

    /// Extensions of texts, which have no signature either.
    private static final Set<String> TEXTS = Set.of("txt", "csv", "md", "json");

    /// Extensions of files without a signature that clients look for.
    private static final Set<String> KNOWN_FILES = Set.of("latent", "safetensors", "ckpt", "npz");

    private static final Set<FileType> RASTER = Set.of(PNG, JPEG, WEBP);

    /// The first bytes of every PNG.
    public static byte[] pngSignature() {
        return PNG_SIGNATURE.clone();
    }

    public boolean isPng() {
        return equals(PNG);
    }

    /// Whether a browser may show it on our origin: nothing in such a picture is run.
    public boolean isRasterPicture() {
        return RASTER.contains(this);
    }

    /// The type of a file that was stored under this extension because of its bytes.
    public static FileType ofStored(String extension) {
        return WITH_A_TYPE.stream()
                .filter(type -> type.extension.equals(extension))
                .findFirst()
                .orElseGet(() -> new FileType(BYTES, "file", extension));
    }

    /// @param head as many of the first bytes as there are, some thousand are enough
    public static FileType of(byte[] head, String filename) {
        if (startsWith(head, 0, PNG_SIGNATURE)) {
            return PNG;
        }
        if (head.length > 2
                && (head[0] & 0xff) == 0xff
                && (head[1] & 0xff) == 0xd8
                && (head[2] & 0xff) == 0xff) {
            return JPEG;
        }
        if (startsWith(head, 0, "RIFF")) {
            if (startsWith(head, 8, "WEBP")) {
                return WEBP;
            }
            if (startsWith(head, 8, "WAVE")) {
                return WAV;
            }
        }
        if (startsWith(head, 0, "GIF8")) {
            return GIF;
        }
        if (startsWith(head, 4, "ftyp")) {
            return MP4;
        }
        if (startsWith(head, 0, new byte[] {0x1a, 0x45, (byte) 0xdf, (byte) 0xa3})) {
            var start = new String(head, 0, Math.min(64, head.length), StandardCharsets.ISO_8859_1);
            return start.contains("webm") ? WEBM : MATROSKA;
        }
        if (startsWith(head, 0, "fLaC")) {
            return FLAC;
        }
        if (startsWith(head, 0, "OggS")) {
            return OGG;
        }
        if (startsWith(head, 0, "ID3") || isMp3Frame(head)) {
            return MP3;
        }
        if (startsWith(head, 0, "glTF")) {
            return GLB;
        }
        return withoutSignature(head, filename);
    }

    /// A frame header of layer III; other files too begin with a byte of ones.
    private static boolean isMp3Frame(byte[] head) {
        if (head.length < 3) {
            return false;
        }
        int bits = (head[0] & 0xff) << 16 | (head[1] & 0xff) << 8 | (head[2] & 0xff);
        int bitRate = bits >> 4 & 15;
        return bits >> 13 == 0x7ff
                && (bits >> 11 & 3) != 1
                && (bits >> 9 & 3) == 1
                && bitRate != 0
                && bitRate != 15
                && (bits >> 2 & 3) != 3;
    }

    private static FileType withoutSignature(byte[] head, String filename) {
        var extension = filename.substring(filename.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
        if (TEXTS.contains(extension) && isText(head)) {
            return TEXT;
        }
        return new FileType(BYTES, "file", KNOWN_FILES.contains(extension) ? extension : "bin");
    }

    /// The last bytes may be part of a character that was cut.
    private static boolean isText(byte[] head) {
        for (int cut = 0; cut < 4 && cut <= head.length; cut++) {
            try {
                var text =
                        StandardCharsets.UTF_8
                                .newDecoder()
                                .decode(ByteBuffer.wrap(head, 0, head.length - cut));
                return text.chars().noneMatch(c -> c == 0);
            } catch (CharacterCodingException _) {
                // Try with one byte less.
            }
        }
        return false;
    }

    private static boolean startsWith(byte[] head, int at, String ascii) {
        return startsWith(head, at, ascii.getBytes(StandardCharsets.US_ASCII));
    }

    private static boolean startsWith(byte[] head, int at, byte[] magic) {
        return head.length >= at + magic.length
                && Arrays.equals(head, at, at + magic.length, magic, 0, magic.length);
    }
}
