package dev.comfyapi.artifact;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// The one thing of EXIF that changes how a picture looks.
final class Exif {

    private static final int ORIENTATION = 0x0112;
    private static final int SHORT = 3;

    private Exif() {}

    /// How a picture is turned: 1 for not at all, to 8; 5 and more lie on their side. 1 when it is
    /// not said.
    static int turn(byte[] tiff) {
        try {
            var in = ByteBuffer.wrap(tiff);
            in.order(tiff[0] == 'I' ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
            in.position(4);
            in.position(in.getInt());
            int entries = in.getShort() & 0xffff;
            for (int i = 0; i < entries; i++) {
                int tag = in.getShort() & 0xffff;
                int type = in.getShort();
                int count = in.getInt();
                int value = in.getShort();
                in.getShort();
                if (tag == ORIENTATION && type == SHORT && count == 1) {
                    return value >= 1 && value <= 8 ? value : 1;
                }
            }
            return 1;
        } catch (BufferUnderflowException | IllegalArgumentException _) {
            return 1;
        }
    }
}
