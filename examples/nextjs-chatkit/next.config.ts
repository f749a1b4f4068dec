import type { NextConfig } from "next";

// Next.js tells its vendor how it is used unless this is set.
process.env.NEXT_TELEMETRY_DISABLED ??= "1";

const config: NextConfig = {
  poweredByHeader: false,
  headers: async () => [
    {
      source: "/:path*",
      headers: [
        // Nobody may frame the app and have its users click what they do not see.
        { key: "Content-Security-Policy", value: "frame-ancestors 'none'" },
        { key: "X-Content-Type-Options", value: "nosniff" },
      ],
    },
  ],
};

export default config;
