// What the set-up step fetches, by version and the registry's checksum (`npm view NAME@VERSION dist.integrity`).

/** One package of the npm registry. */
export interface Pin {
  readonly name: string;
  readonly version: string;
  /** `sha512-` and the tarball's digest in base64. */
  readonly integrity: string;
  /** Size of the download, for the progress line. */
  readonly megabytes: number;
}

/** `lib/vscode` of this package is VS Code 1.139.1 built as a server. */
export const EDITOR: Pin = {
  name: 'code-server',
  version: '4.139.1',
  integrity: 'sha512-fUYvJVdz4ZoVJfakGiGWXFMpF8K1ObsrpGvX17ZxNpKOzdNHs7lANT670JTr4ZhA8DnWqyvvmFG/d3HV9Yy6ew==',
  megabytes: 47,
};

/** Chromium's headless shell, packed with brotli. */
export const BROWSER: Pin = {
  name: '@sparticuz/chromium',
  version: '153.0.0',
  integrity: 'sha512-jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA==',
  megabytes: 70,
};

/** Fonts for that browser, as a bare machine has none: the terminal's text would be empty boxes. */
export const FONTS: Pin = {
  name: 'dejavu-fonts-ttf',
  version: '2.37.3',
  integrity: 'sha512-f1hd7jJbeQa1VWcw+K2KrTXS50zTMaHpVC4XIKJpNcDeYR5ajMtj/iLlQDYNvLOKamUB3ARVVCf79lNwNVztSQ==',
  megabytes: 5,
};

const OPENCODE_VERSION = '1.18.33';
const CLAUDE_VERSION = '2.1.330';

/** Opencode by platform; `-baseline` for processors without AVX2. */
export const OPENCODE: Readonly<Record<string, Pin>> = {
  'linux-x64': {
    name: 'opencode-linux-x64',
    version: OPENCODE_VERSION,
    integrity: 'sha512-q/t/3p2CTxOT9y2kvjesb/LZab2+1eqlhhWA02Be6mjTtmYtNBcBsrI5yDo4Fw7ZSPBW2oyMIGMNRqiKQjiAWw==',
    megabytes: 60,
  },
  'linux-x64-baseline': {
    name: 'opencode-linux-x64-baseline',
    version: OPENCODE_VERSION,
    integrity: 'sha512-1KQGBiiDDeL/VHHbHkOvvFo8Jr97WT5+C1tear+p7IcDTnXgVHXqIjU4O4jM4mHQzykTP2i884FCnW5LDa+zCA==',
    megabytes: 60,
  },
};

/** Claude Code by platform. */
export const CLAUDE: Readonly<Record<string, Pin>> = {
  'linux-x64': {
    name: '@anthropic-ai/claude-code-linux-x64',
    version: CLAUDE_VERSION,
    integrity: 'sha512-9Gn+V7DtJ8M1nztP9CeDVl9g3RtrepI7rOFTyPRRnZe8D6zebIHKmC7OvBauucuAP0X0k85SDN/LPVZyjsGezQ==',
    megabytes: 175,
  },
};
