package dev.comfyapi.artifact;

import static dev.comfyapi.artifact.RefusedFileException.broken;

import dev.comfyapi.artifact.RefusedFileException.Reason;

import java.io.IOException;
import java.util.HexFormat;

/// Goes through a JPEG, segment by segment, to its end.
///
/// Phones append further pictures (previews, brightness maps): they are left out. Anything else
/// after the end is refused.
final class JpegWalk {

    /// EXIF with nothing in it but how the picture is turned.
    private static final byte[] TURNED =
            HexFormat.of()
                    .parseHex(
                            "ffe10022"
                                    + "457869660000"
                                    + "4d4d002a00000008"
                                    + "0001"
                                    + "0112000300000001"
                                    + "00010000"
                                    + "00000000");

    private static final int TURN_AT = 29;

    private final FileBytes file;
    private final long mostPixels;
    private final Pieces pieces = new Pieces();
    private int width;
    private int height;
    private int turn = 1;
    private boolean scanned;

    JpegWalk(FileBytes file, long mostPixels) {
        this.file = file;
        this.mostPixels = mostPixels;
    }

    CheckedPicture.Found walk() throws IOException, RefusedFileException {
        pieces.keep(0, 2);
        long at = 2;
        while (true) {
            if (file.at(at) != 0xff) {
                throw broken("has something between its parts");
            }
            while (file.at(at + 1) == 0xff) {
                at++;
            }
            int marker = file.at(at + 1);
            if (marker == 0xd9) {
                break;
            }
            at = takeSegment(marker, at);
        }
        if (!scanned) {
            throw broken("has no picture in it");
        }
        pieces.keep(at, at + 2);
        checkRest(at + 2);
        boolean onItsSide = turn >= 5;
        return new CheckedPicture.Found(
                onItsSide ? height : width, onItsSide ? width : height, pieces);
    }

    /// @return where the next segment begins
    private long takeSegment(int marker, long at) throws IOException, RefusedFileException {
        if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xd8)) {
            throw broken("has a part where none may be");
        }
        int length = file.big16(at + 2);
        long end = at + 2 + length;
        if (length < 2 || end > file.size()) {
            throw RefusedFileException.cut();
        }
        switch (marker) {
            case 0xc0, 0xc1, 0xc2 -> {
                readFrame(at + 4, length);
                pieces.keep(at, end);
            }
            case 0xc4, 0xdb, 0xdd -> pieces.keep(at, end);
            case 0xda -> {
                if (width == 0) {
                    throw broken("begins without its header");
                }
                scanned = true;
                end = endOfScan(end);
                pieces.keep(at, end);
            }
            case 0xe0 -> keepIf(length == 16 && file.ascii(at + 4, 5).equals("JFIF\0"), at, end);
            case 0xee -> keepIf(length == 14 && file.ascii(at + 4, 5).equals("Adobe"), at, end);
            case 0xe1 -> readExif(at + 4, length - 2);
            case 0xfe -> {
                // A comment.
            }
            default -> {
                if (marker < 0xe0 || marker > 0xef) {
                    throw broken("is coded in a way that is not taken");
                }
            }
        }
        return end;
    }

    private void keepIf(boolean wanted, long from, long to) throws RefusedFileException {
        if (wanted) {
            pieces.keep(from, to);
        }
    }

    private void readFrame(long at, int length) throws IOException, RefusedFileException {
        if (width != 0) {
            throw broken("has two headers");
        }
        int components = file.at(at + 5);
        if (file.at(at) != 8
                || (components != 1 && components != 3 && components != 4)
                || length != 8 + 3 * components) {
            throw broken("has a header that means nothing");
        }
        CheckedPicture.checkSize(file.big16(at + 3), file.big16(at + 1), mostPixels);
        width = file.big16(at + 3);
        height = file.big16(at + 1);
    }

    /// Inside a scan `ff 00` is a byte and `ff d0` to `ff d7` are marks of restarting.
    private long endOfScan(long from) throws IOException, RefusedFileException {
        long at = from;
        while (true) {
            if (file.at(at) == 0xff) {
                int next = file.at(at + 1);
                boolean data = next == 0 || (next >= 0xd0 && next <= 0xd7);
                if (!data && next != 0xff) {
                    return at;
                }
                at += data ? 2 : 1;
            } else {
                at++;
            }
        }
    }

    private void readExif(long at, int length) throws IOException, RefusedFileException {
        if (turn != 1 || scanned || length < 14 || !file.ascii(at, 6).equals("Exif\0\0")) {
            return;
        }
        turn = Exif.turn(file.read(at + 6, length - 6));
        if (turn != 1) {
            var exif = TURNED.clone();
            exif[TURN_AT] = (byte) turn;
            pieces.add(exif);
        }
    }

    private void checkRest(long at) throws IOException, RefusedFileException {
        if (at + 2 < file.size()
                && file.at(at) == 0xff
                && file.at(at + 1) == 0xd8
                && file.at(at + 2) == 0xff) {
            return;
        }
        file.feed(
                at,
                file.size() - at,
                (bytes, offset, length) -> {
                    for (int i = offset; i < offset + length; i++) {
                        if (bytes[i] != 0) {
                            throw new RefusedFileException(
                                    Reason.TRAILING, "has something after its end");
                        }
                    }
                });
    }
}
