package dev.comfyapi.artifact;

import dev.comfyapi.artifact.RefusedFileException.Reason;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.SeekableByteChannel;

/// A still picture from somebody we do not trust: whole, of a size that can be decoded, and without
/// anything but the picture in it.
///
/// The whole file is walked and nothing is decoded into memory, whatever it claims: the header
/// decides on the size first. What is no part of the picture (texts, EXIF, GPS, profiles,
/// thumbnails) is left out of [#content]; only the way a JPEG is turned is kept.
public final class CheckedPicture {

    private static final int HEAD = 4 << 10;

    /// Checks a file that stays open and unchanged as long as this object is used.
    ///
    /// @param mostPixels width times height
    /// @throws RefusedFileException when it is no such picture
    public static CheckedPicture of(SeekableByteChannel file, long mostPixels)
            throws IOException, RefusedFileException {
        var bytes = new FileBytes(file);
        var head = bytes.read(0, (int) Math.min(HEAD, bytes.size()));
        var type = FileType.of(head, "");
        var found =
                switch (type.extension()) {
                    case "png" -> new PngWalk(bytes, mostPixels).walk();
                    case "jpg" -> new JpegWalk(bytes, mostPixels).walk();
                    case "webp" -> new WebpWalk(bytes, mostPixels).walk();
                    default ->
                            throw new RefusedFileException(
                                    Reason.TYPE, "is not a PNG, JPEG or WebP picture");
                };
        return new CheckedPicture(type, found, file);
    }

    /// What a walk through a file has found.
    ///
    /// @param width as it is shown
    /// @param height as it is shown
    record Found(int width, int height, Pieces pieces) {}

    private final FileType type;
    private final Found found;
    private final SeekableByteChannel file;

    private CheckedPicture(FileType type, Found found, SeekableByteChannel file) {
        this.type = type;
        this.found = found;
        this.file = file;
    }

    static void checkSize(long width, long height, long mostPixels) throws RefusedFileException {
        if (width < 1 || height < 1 || width > Integer.MAX_VALUE || height > Integer.MAX_VALUE) {
            throw RefusedFileException.broken("has no size");
        }
        if (width > mostPixels / height) {
            throw new RefusedFileException(
                    Reason.TOO_MANY_PIXELS,
                    "has %d times %d pixels; %d are allowed".formatted(width, height, mostPixels));
        }
    }

    public FileType type() {
        return type;
    }

    public int width() {
        return found.width();
    }

    public int height() {
        return found.height();
    }

    /// Bytes of [#content].
    public long sizeBytes() {
        return found.pieces().size();
    }

    /// The picture and nothing else. One stream at a time; the file stays the caller's to close.
    public InputStream content() {
        return found.pieces().open(file);
    }
}
