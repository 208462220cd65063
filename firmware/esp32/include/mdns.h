// The emulator's variant has no mDNS; upstream includes it all the same.
